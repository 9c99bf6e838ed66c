-- Twin: core/algorithms/toy.ts. Same names, same order; change both.
--
-- State: at, used, 0

function toy(key, limit, window, burst, cost, now)
  local at, used, moved = now, 0, false
  local found = pcall_redis('GET', key)
  local state_at, state_used = read_record(found, 24, '<ddd')
  if state_at then
    moved = state_at - now > window
    if moved then
      used = state_used
    elseif now < state_at + window then
      at, used = state_at, state_used
    end
  end

  local allowed = cost <= limit - used or cost <= 0
  local kept = used
  if allowed then kept = max(0, used + cost) end
  if allowed and cost > 0 then at = max(at, now) end
  local until_back = at + window - now

  local reset_after, retry_after = 0, 0
  if kept > 0 and limit > 0 then reset_after = until_back end
  if not allowed then
    if cost > limit then retry_after = -1 else retry_after = until_back end
  end

  local record, lifetime
  if kept == 0 then
    record = state_at and NOTHING_LEFT
  elseif moved or allowed and cost ~= 0 then
    record, lifetime = pack('<ddd', at, kept, 0), until_back
  end
  return max(0, limit - kept), reset_after, retry_after, record, lifetime
end
