"""The commands of `./dev`, a module each: SUMMARY, configure(parser), execute(checkout, options)."""
