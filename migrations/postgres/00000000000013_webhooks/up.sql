-- Systems that are told what happens to cases, by HTTP. Address and secrets are sealed with the row's own key; a secret that
-- was replaced signs beside the new one until its time is over.
CREATE TABLE webhooks (
    webhook_id uuid NOT NULL PRIMARY KEY,
    data_key bytea NOT NULL,
    url bytea NOT NULL,
    secret bytea NOT NULL,
    old_secret bytea,
    old_secret_until timestamptz,
    actions text NOT NULL,
    kinds text NOT NULL,
    division integer,
    enabled boolean NOT NULL,
    disabled_by text,
    failing_since timestamptz,
    fault text,
    succeeded_at timestamptz,
    created_at timestamptz NOT NULL,
    created_by text NOT NULL
);
