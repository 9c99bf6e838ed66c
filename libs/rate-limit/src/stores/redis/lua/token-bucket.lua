-- Twin: core/algorithms/token-bucket.ts. Same names, same order; change both.
--
-- State: debt in units times ms of window, at

local function token_bucket(key, limit, window, burst, cost, now)
  local capacity = 0
  if limit > 0 then capacity = burst * window end
  local at, debt, moved = now, 0, false
  local found = read_record(key, 16)
  if found then
    local state_debt, state_at = unpack_record('<dd', found)
    if sound(state_debt) and sound(state_at) then
      at = max(now, settled(state_at, window, now))
      debt = max(0, state_debt - max(0, now - state_at) * limit)
      moved = state_at - now > window
    end
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

  local record
  if kept == 0 then
    record = found and ''
  elseif moved or allowed and cost ~= 0 then
    record = pack('<dd', kept, at)
  end
  local lifetime = window
  if limit > 0 then lifetime = ceil(kept / limit) end
  return allowed, remaining, reset_after, retry_after, record, ahead + lifetime
end
