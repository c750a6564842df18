"""The pages that people see: the org's lists and records, its setup, and the faults to order."""
