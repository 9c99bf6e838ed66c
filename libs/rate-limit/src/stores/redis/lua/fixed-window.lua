-- Twin: core/algorithms/fixed-window.ts. The same law, but charged first where that is likely right; change both.
--
-- State: start, used, in one of three layouts. The first that has room is taken. The first two are single integers,
-- which INCRBY charges and returns, within 53 bits, which Lua reads exactly.
--
--   narrow   (the ms from 2025 to start) × 8192 + used
--   wide     below 0: used - (start modulo 99 days, in ms) × 2^20, for windows up to 37 hours. Of the starts that it may
--            mean, the nearest to now is taken. So a clock that is set back by 49 days or more frees such a quota, and
--            the state of a key that somebody made permanent counts again for a window, every 99 days
--   packed   0, start and used as doubles. The 0 makes sure that no record is a number in text
--
-- Integers below the least narrow one, of 2 February 2026, and above the largest wide one were not written by this
-- library. Before that day, and after 2059, all states are packed. lone.lua has the narrow layout too; change both.
local EPOCH, UNITS, LEAST_COUNTER = 1735689600000, 8192, 281474976710656
local WIDE_UNITS, CYCLE = 1048576, 8589934592
local LARGEST_WIDE, LONGEST_WIDE = -WIDE_UNITS, CYCLE / 64

-- When the window of a counter began, how much of it is used, and how many units its layout holds; nothing for a number
-- that is no counter. `used` may have left its layout: then it is less than what was charged last.
function read_counter(counter, now)
  if counter >= LEAST_COUNTER and counter < LARGEST then
    local used = counter % UNITS
    return (counter - used) / UNITS + EPOCH, used, UNITS
  elseif counter < LARGEST_WIDE and counter >= -LARGEST then
    local used = counter % WIDE_UNITS
    local age = (now - (used - counter) / WIDE_UNITS) % CYCLE
    if age >= CYCLE / 2 then age = age - CYCLE end
    return now - age, used, WIDE_UNITS
  end
end

-- How many units the first layout holds that has room; 0: a packed record. A state stays wide.
local function layout_for(start, used, window, least)
  local counter = (start - EPOCH) * UNITS
  -- A charge must not take it past LARGEST.
  if counter >= LEAST_COUNTER and counter < LARGEST - WIDE_UNITS then
    if used < UNITS and least <= UNITS then return UNITS end
    -- Below LARGEST_WIDE.
    if used < WIDE_UNITS and window <= LONGEST_WIDE and start % CYCLE >= 2 then return WIDE_UNITS end
  end
  return 0
end

local function in_layout(layout, start, used)
  if layout == UNITS then return format('%.0f', (start - EPOCH) * UNITS + used) end
  if layout == WIDE_UNITS then return format('%.0f', used - start % CYCLE * WIDE_UNITS) end
  return pack('<ddd', 0, start, used)
end

function fixed_window(key, limit, window, burst, cost, now, life, cost_text)
  local start, used, moved, layout = now, 0, false, nil
  local found, counter, charged
  if cost > 0 and cost <= limit and limit < WIDE_UNITS then
    -- Mostly the window is there and has room: then one INCRBY charges it, and says all there is to know.
    local sum = lone_sum or pcall_redis('INCRBY', key, cost_text)
    charged = type(sum) == 'number'
    if charged then
      local began, kept = read_counter(sum, now)
      if began then
        local until_end = began + window - now
        if kept >= cost and kept <= limit and until_end > 0 and until_end <= 2 * window then
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
  local state_start, state_used, state_layout
  if counter and counter % 1 == 0 then state_start, state_used, state_layout = read_counter(counter, now) end
  if not state_start and found then
    local tag
    tag, state_start, state_used = read_record(found, 24, '<ddd')
    if tag == 0 then state_layout = 0 else state_start = nil end
  end
  if state_start then
    local elapsed = now - state_start
    moved = elapsed < -window
    if moved then
      used = state_used
    elseif elapsed < window then
      start, used, layout = state_start, state_used, state_layout
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
    local fitting = layout_for(start, kept, window, layout or 0)
    -- Otherwise the state is written as text, which takes Lua a while.
    if fitting == layout and layout > 0 then
      record = ADD_COST
    else
      record = in_layout(fitting, start, kept)
      if fitting ~= layout then lifetime = until_end end
    end
  end
  -- And when the window ends that is open, by which a hold finds it again. One that a look would move is another one.
  local is_open = layout or kept > 0 and (cost > 0 or not moved)
  return max(0, limit - kept), reset_after, retry_after, record, lifetime, is_open and start + window
end
