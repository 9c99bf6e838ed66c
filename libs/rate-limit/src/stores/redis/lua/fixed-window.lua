-- Twin: core/algorithms/fixed-window.ts. Same names, same order; change both.
--
-- State: start, used

local function fixed_window(key, limit, window, burst, cost, now)
  local start, used, moved = now, 0, false
  local found = read_record(key, 16)
  if found then
    local state_start, state_used = unpack_record('<dd', found)
    if sound(state_start) and sound(state_used) then
      local at = settled(state_start, window, now)
      if now < at + window then
        start, used = at, state_used
      end
      moved = state_start - now > window
    end
  end

  local allowed = cost <= 0 or cost <= limit - used
  local kept = used
  if allowed then kept = max(0, used + cost) end
  local until_end = start + window - now

  local reset_after, retry_after = 0, 0
  if kept > 0 and limit > 0 then reset_after = until_end end
  if not allowed then
    if cost > limit then retry_after = -1 else retry_after = until_end end
  end

  local record
  if kept == 0 then
    record = found and ''
  elseif moved or allowed and cost ~= 0 then
    record = pack('<dd', start, kept)
  end
  return allowed, max(0, limit - kept), reset_after, retry_after, record, until_end
end
