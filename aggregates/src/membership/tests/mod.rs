//! Given, when, then: memberships sold in periods, rendered day by day, given back and ended.
