-- Twin: core/algorithms/token-bucket.ts. Same names, same order; change both. GCRA is the same with another burst.
--
-- State: debt in units times ms of window, at; and until when the key's TTL reaches, which need not be renewed at
-- every charge.

function token_bucket(key, limit, window, burst, cost, now, life)
  local capacity = 0
  if limit > 0 then capacity = burst * window end
  local at, debt, moved = now, 0, false
  local found = pcall_redis('GET', key)
  local state_debt, state_at, until_then = read_record(found, 24, '<ddd')
  if state_at then
    moved = state_at - now > window
    if not moved then at = max(now, state_at) end
    debt = max(0, state_debt - max(0, now - state_at) * limit)
  end

  local allowed = cost <= 0 or cost <= floor((capacity - debt) / window)
  local kept = debt
  if allowed then kept = max(0, debt + cost * window) end
  local remaining = max(0, floor((capacity - kept) / window))
  local ahead = at - now

  local reset_after, retry_after = 0, 0
  if kept > 0 and capacity > 0 then
    reset_after = ahead + ceil((kept - capacity + (remaining + 1) * window) / limit)
  end
  if not allowed then
    if cost * window > capacity then
      retry_after = -1
    else
      retry_after = ahead + ceil((debt - capacity + cost * window) / limit)
    end
  end

  local record, lifetime
  if kept == 0 then
    record = state_at and NOTHING_LEFT
  elseif moved or allowed and cost ~= 0 then
    lifetime = window
    if limit > 0 then lifetime = ceil(kept / limit) end
    lifetime = ahead + lifetime
    if until_then and until_then - now >= lifetime then
      lifetime = KEEP_TTL
    else
      until_then = now + max(life, lifetime)
    end
    record = pack('<ddd', kept, at, until_then)
  end
  return remaining, reset_after, retry_after, record, lifetime
end
