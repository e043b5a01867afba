-- Escalations are listed newest first.
CREATE INDEX escalation_newest ON escalation (raised_at DESC, escalation_id DESC);
