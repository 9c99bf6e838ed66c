-- Twin: core/algorithms/fixed-window.ts. The same law, but charged first where that is likely right; change both.
--
-- State: start, used. One integer where it fits, which takes the least room and is charged by INCRBY: the ms from 2025
-- to start, times 8192 (so that % is exact), plus used. Else packed behind a 0, so that no record is a number in text.
-- Integers below the least one, of 2 February 2026, were not written by this library.
local EPOCH, UNITS, LEAST_COUNTER = 1735689600000, 8192, 281474976710656

function fixed_window(key, limit, window, burst, cost, now, life, cost_text)
  local start, used, moved, counted, packed = now, 0, false, false, false
  local found, counter, charged
  if cost > 0 and cost <= limit and limit < UNITS then
    -- Mostly the window is there and has room: then one INCRBY charges it, and says all there is to know.
    local sum = pcall_redis('INCRBY', key, cost_text)
    charged = type(sum) == 'number'
    if charged then
      local kept = sum % UNITS
      local until_end = (sum - kept) / UNITS + EPOCH + window - now
      if
        kept >= cost and kept <= limit and until_end > 0 and until_end <= 2 * window
        and sum >= LEAST_COUNTER and sum < LARGEST
      then
        return limit - kept, until_end, 0, CHARGED
      end
      -- From LARGEST on a double is not exact, and nothing is a counter.
      counter = sum < LARGEST and sum - cost or LARGEST
    end
  end
  if not charged then
    found = pcall_redis('GET', key)
    counter = found and tonumber(found)
  end
  local state_start, state_used
  if counter and counter >= LEAST_COUNTER and counter < LARGEST and counter % 1 == 0 then
    state_used = counter % UNITS
    state_start = (counter - state_used) / UNITS + EPOCH
  elseif found then
    local tag
    tag, state_start, state_used = read_record(found, 24, '<ddd')
    if tag ~= 0 then state_start = nil end
  end
  if state_start then
    local elapsed = now - state_start
    moved = elapsed < -window
    if moved then
      used = state_used
    elseif elapsed < window then
      start, used, counted, packed = state_start, state_used, counter, not counter
    end
  end

  local kept, until_end = used, start + window - now
  local reset_after, retry_after = 0, 0
  local allowed = cost <= limit - used or cost <= 0
  if allowed then
    kept = max(0, used + cost)
  elseif cost > limit then
    retry_after = -1
  else
    retry_after = until_end
  end
  if kept > 0 and limit > 0 then reset_after = until_end end
  -- It did not fit, and is taken back; what INCRBY made of nothing, the record replaces.
  if charged and counter ~= 0 then call('INCRBY', key, -cost) end

  local record, lifetime
  if kept == 0 then
    record = (counter or state_start) and NOTHING_LEFT
  elseif moved or allowed and cost ~= 0 then
    counter = (start - EPOCH) * UNITS + kept
    if kept >= UNITS or counter < LEAST_COUNTER or counter >= LARGEST then
      record = pack('<ddd', 0, start, kept)
      lifetime = not packed and until_end
    elseif counted then
      record = ADD_COST
    else
      record, lifetime = format('%.0f', counter), until_end
    end
  end
  return max(0, limit - kept), reset_after, retry_after, record, lifetime
end
