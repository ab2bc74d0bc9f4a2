-- What one of the contractors that may be meant says of the cases in hand: the outcome, and what it has as not met.
INSERT INTO outcome_by
SELECT o.ord, c.variant, c.contractor, o.outcome, o.missing, o.sequence FROM outcomes AS o JOIN cases AS c ON c.ord = o.ord;

INSERT INTO refused_by
SELECT DISTINCT j.ord, c.contractor, j.id FROM judged AS j JOIN cases AS c ON c.ord = j.ord WHERE j.status = 'not_met';
