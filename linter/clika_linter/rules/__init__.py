"""The built-in rules, one file each; `table` lists them without importing them."""
