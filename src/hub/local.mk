# src/hub
