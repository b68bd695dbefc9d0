DROP INDEX parties_email;
DROP TABLE spent_tokens;
DROP TABLE sessions;
