# src/task
