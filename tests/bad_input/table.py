"""The whole table, and the inputs that look bad and must work."""

from bad_input import Bad, addresses, hosts, models, rows, values

TABLE: list[Bad] = [*rows.TABLE, *values.TABLE, *models.TABLE, *hosts.TABLE, *addresses.TABLE]
