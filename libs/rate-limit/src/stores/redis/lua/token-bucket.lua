-- Twin: core/algorithms/token-bucket.ts. Same names, same order; change both. GCRA is the same with another burst.
-- Comparisons stand for max() and min() where every hit comes by, because their calls cost a tenth of its time.
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
    local elapsed = now - state_at
    moved = elapsed < -window
    debt = state_debt
    if elapsed > 0 then
      debt = state_debt - elapsed * limit
      if debt < 0 then debt = 0 end
    elseif elapsed < 0 and not moved then
      at = state_at
    end
  end

  local weight = cost * window
  local allowed = cost <= 0 or weight <= capacity - debt
  local kept, ahead = debt, at - now
  if allowed then kept = debt + weight end
  if kept < 0 then kept = 0 end
  local remaining = floor((capacity - kept) / window)
  if remaining < 0 then remaining = 0 end

  local reset_after, retry_after = 0, 0
  if kept > 0 and capacity > 0 then
    reset_after = ahead + ceil((kept - capacity + (remaining + 1) * window) / limit)
  end
  if not allowed then
    if weight > capacity then
      retry_after = -1
    else
      retry_after = ahead + ceil((debt - capacity + weight) / limit)
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
