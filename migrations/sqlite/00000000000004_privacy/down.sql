DROP INDEX cases_kept;
DROP TABLE erasures;
DROP TABLE legal_holds;
DROP TABLE audit_heads;
DROP TABLE audit;
