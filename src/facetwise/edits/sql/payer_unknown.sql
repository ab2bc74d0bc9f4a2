-- Once a claim: facet lines whose payer is not in the knowledge, or whose state picks no contractor.
-- step: unsettled
SELECT
  f.claim_id,
  CASE WHEN f.book = 0 THEN 'payer' ELSE 'contractor' END AS what,
  COALESCE(n.payer, '') AS payer,
  COALESCE(n.citations, '') AS citations,
  f.line_id,
  ROW_NUMBER() OVER (PARTITION BY f.claim_id ORDER BY f.line_id) AS place
FROM facet AS f
LEFT JOIN no_contractor AS n ON n.book = f.book AND f.day BETWEEN n.from_day AND n.to_day
WHERE f.checked = 1 AND (f.book = 0 OR n.book IS NOT NULL)
-- findings
SELECT
  u.line_id,
  CAST(NULL AS BIGINT) AS other_line_id,
  'fact-not-established' AS edit,
  'info' AS severity,
  CASE
    WHEN u.what = 'payer' THEN 'The payer of this claim is not in the knowledge, so its facet lines were judged only by what holds whoever pays.'
    ELSE u.payer || ': the claim''s state picks no contractor, so its facet lines were judged by the text that the contractors share.'
  END AS message,
  CASE
    WHEN u.what = 'payer' THEN 'Say whose claim it is: a map of payers (--payers), or --payer for all lines that name none.'
    ELSE 'Give the state of the place of service.'
  END AS fix,
  '{"unknown": "' || u.what || '"}' AS evidence,
  u.citations
FROM unsettled AS u
WHERE u.place = 1
