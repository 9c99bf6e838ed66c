-- Twin: core/algorithms/fixed-window.ts. Same names, same order; change both.
--
-- State: start, used. One integer where it fits, which takes the least room and is charged by INCRBY: the ms from 2025
-- to start, times 8192 (so that % is exact), plus used. Else packed behind a 0, so that no record is a number in text.
local EPOCH, UNITS, LEAST_COUNTER = 1735689600000, 8192, 281474976710656

function fixed_window(key, limit, window, burst, cost, now)
  local start, used, moved, counted = now, 0, false, false
  local found = pcall_redis('GET', key)
  local counter = found and tonumber(found)
  local tag, state_start, state_used
  if counter and counter >= LEAST_COUNTER and counter < LARGEST and counter % 1 == 0 then
    state_used = counter % UNITS
    state_start = (counter - state_used) / UNITS + EPOCH
  else
    tag, state_start, state_used = read_record(found, 24, '<ddd')
    if tag ~= 0 then state_start = nil end
  end
  if state_start then
    moved = state_start - now > window
    if moved then
      used = state_used
    elseif now < state_start + window then
      start, used, counted = state_start, state_used, counter
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
    record = state_start and NOTHING_LEFT
  elseif moved or allowed and cost ~= 0 then
    counter = (start - EPOCH) * UNITS + kept
    if kept >= UNITS or counter < LEAST_COUNTER or counter >= LARGEST then
      record = pack('<ddd', 0, start, kept)
    elseif counted then
      record = ADD_COST
    else
      record = format('%.0f', counter)
    end
  end
  return max(0, limit - kept), reset_after, retry_after, record, until_end
end
