"""The whole system on one machine: embedded servers, their supervision, `make up`. Not used in production."""
