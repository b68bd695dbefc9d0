-- What isn't sent yet, by state: asked by every scrape of the metrics, while the notices that were sent grow without end.
CREATE INDEX outbox_unsent ON outbox (state) WHERE state <> 'sent';
