-- Twin: core/algorithms/gcra.ts. The same arithmetic; the burst that sets it apart is the policy's.
local gcra = token_bucket
