# src/compile
