dist_man_MANS += man/runner-init.8 man/runner-launcher.8
dist_man_MANS += man/runnerctl.1
dist_man_MANS += man/runnerd.8 man/runnerd.yaml.5
dist_man_MANS += man/runner-hub.8 man/runner-hub.yaml.5
dist_man_MANS += man/circleci-agent.1
