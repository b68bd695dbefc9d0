DROP INDEX parties_email;
DROP TABLE oidc_logins;
DROP TABLE one_time_codes;
DROP TABLE recovery_codes;
DROP TABLE second_factors;
DROP TABLE attempts;
DROP TABLE spent_tokens;
DROP TABLE sessions;
