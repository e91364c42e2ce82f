"""An embedded PostgreSQL: started by whoever needs it first, stopped by the last one who does."""
