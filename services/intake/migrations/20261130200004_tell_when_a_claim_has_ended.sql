-- When a claim has ended: what is over is kept for so long from then on as the policy pack says. Of claims that ended before,
-- it is known that they have.
ALTER TABLE claim ADD COLUMN ended_at timestamptz CHECK (ended_at IS NULL OR state IN (10, 11, 12, 13));

UPDATE claim SET ended_at = now() WHERE state IN (10, 11, 12, 13);
