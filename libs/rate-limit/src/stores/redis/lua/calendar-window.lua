-- Twin: core/algorithms/fixed-window.ts, for calendar windows. The same law, but charged first where that is likely right;
-- change both.
--
-- State: end, used, in one of two layouts. A definition that changes does not move the end.
--
--   counter  (the s from 2025 to the end) × 2^22 + used: an integer, which INCRBY charges and returns
--   packed   0, end in ms and used as doubles. The 0 makes sure that no record is a number in text
--
-- Integers below the least counter, of an end on 14 July 2025, were not written by this library. Before that day, and
-- after 2092, all states are packed. lone.lua has the counter too; change both.
--
-- `bounds` is text, in s: when the window begins that the application expects, when the next one begins, and when that one
-- ends. It is read only when a window opens. If now is in neither window, nothing is charged and the answer is LATE. The
-- reply brings the application the true time, and it asks again (wire/exchange.ts).
local EPOCH, UNITS, LEAST_COUNTER = 1735689600000, 4194304, 70368744177664

-- The end of the window that now is in; nothing if it is in neither.
local function end_at(bounds, now)
  local start, middle, stop = string.match(bounds, '(%S+) (%S+) (%S+)')
  if now < start * 1000 or now >= stop * 1000 then return nil end
  return (now < middle * 1000 and middle or stop) * 1000
end

function calendar_window(key, limit, longest, bounds, cost, now, life, cost_text)
  local ending, used, moved, layout = nil, 0, false, nil
  local found, counter, charged
  if cost > 0 and cost <= limit and limit < UNITS then
    -- Mostly the window is open and has room. Then one INCRBY charges it, and its result is the whole state.
    local sum = lone_sum or pcall_redis('INCRBY', key, cost_text)
    charged = type(sum) == 'number'
    if charged then
      if sum >= LEAST_COUNTER and sum < LARGEST then
        local kept = sum % UNITS
        local until_end = (sum - kept) / UNITS * 1000 + EPOCH - now
        if kept >= cost and kept <= limit and until_end > 0 and until_end <= longest then
          return limit - kept, until_end, 0, CHARGED
        end
      end
      -- From LARGEST on a double is not exact, and nothing is a counter.
      counter = sum < LARGEST and sum - cost or LARGEST
    end
  end
  if not charged then
    found = pcall_redis('GET', key)
    counter = found and tonumber(found)
  end
  local state_end, state_used, state_layout
  if counter and counter % 1 == 0 and counter >= LEAST_COUNTER and counter < LARGEST then
    state_used, state_layout = counter % UNITS, UNITS
    state_end = (counter - state_used) / UNITS * 1000 + EPOCH
  elseif found then
    local tag
    tag, state_end, state_used = read_record(found, 24, '<ddd')
    if tag == 0 then state_layout = 0 else state_end = nil end
  end
  if state_end then
    moved = state_end - now > longest
    if moved then
      used = state_used
    elseif now < state_end then
      ending, used, layout = state_end, state_used, state_layout
    end
  end

  local kept, reset_after, retry_after = used, 0, 0
  local allowed = cost <= limit - used or cost <= 0
  if allowed then kept = max(0, used + cost) end
  local is_elsewhere = kept > 0 and not ending
  if is_elsewhere then
    ending = end_at(bounds, now)
    is_elsewhere = not ending
  end
  -- The charge is taken back. But if there was no key, the record will replace what INCRBY has made.
  if charged and counter ~= 0 then call('INCRBY', key, -cost) end
  if is_elsewhere then
    if charged and counter == 0 then call('DEL', key) end
    some_late = true
    return FRAME.LATE, FRAME.LATE, FRAME.LATE
  end

  if not allowed then retry_after = cost > limit and -1 or ending - now end
  if kept > 0 and limit > 0 then reset_after = ending - now end
  local record
  if kept == 0 then
    record = (counter or state_end) and NOTHING_LEFT
  elseif moved or allowed and cost ~= 0 then
    local first = (ending - EPOCH) / 1000 * UNITS
    local is_counter = kept < UNITS and first % UNITS == 0 and first >= LEAST_COUNTER and first < LARGEST - 2 * UNITS
    if not is_counter then
      record = pack('<ddd', 0, ending, kept)
    elseif layout == UNITS then
      record = ADD_COST
    else
      record = format('%.0f', first + kept)
    end
  end
  -- The key lives until the window ends.
  local is_open = layout or kept > 0 and (cost > 0 or not moved)
  return max(0, limit - kept), reset_after, retry_after, record, record and ending and ending - now, is_open and ending
end
