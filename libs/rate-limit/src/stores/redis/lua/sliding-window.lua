-- Twin: core/algorithms/sliding-window.ts. Same names, same order; change both.
-- Comparisons stand for max() and min() where every hit comes by, because their calls cost a tenth of its time.
--
-- State: start, current, previous

-- How long until `units` are there: as the last window slides out, or after the turn, as this one does.
local function sliding_window_wait(limit, window, current, previous, units, start, now)
  local room = (limit - current - units) * window
  if room >= 0 then return start + window - floor(room / previous) - now end
  return start + 2 * window - floor((limit - units) * window / current) - now
end

function sliding_window(key, limit, window, burst, cost, now)
  local start, current, previous, moved = now, 0, 0, false
  local found = pcall_redis('GET', key)
  local state_start, state_current, state_previous = read_record(found, 24, '<ddd')
  if state_start then
    local elapsed = now - state_start
    moved = elapsed < -window
    if moved then
      current, previous = state_current, state_previous
    elseif elapsed < window then
      start, current, previous = state_start, state_current, state_previous
    elseif elapsed < 2 * window and state_current > 0 then
      start, previous = state_start + window, state_current
    end
  end

  local left, weight = start + window - now, 0
  if left > window then left = window end
  if previous > 0 then weight = ceil(previous * left / window) end
  local allowed = cost <= limit - current - weight or cost <= 0

  -- The current window is charged; what it cannot give back, the one before does.
  local kept_current, kept_previous, kept_weight = current, previous, weight
  if allowed then
    kept_current = current + cost
    if kept_current < 0 then
      kept_current, kept_previous = 0, max(0, previous + kept_current)
      kept_weight = ceil(kept_previous * left / window)
    end
  end
  local full = kept_current == 0 and kept_previous == 0
  local remaining = limit - kept_current - kept_weight
  if remaining < 0 then remaining = 0 end

  local reset_after, retry_after = 0, 0
  if not full and limit > 0 then
    reset_after = sliding_window_wait(limit, window, kept_current, kept_previous, remaining + 1, start, now)
  end
  if not allowed then
    if cost > limit then
      retry_after = -1
    else
      retry_after = sliding_window_wait(limit, window, current, previous, cost, start, now)
    end
  end

  local record, lifetime
  if full then
    record = state_start and NOTHING_LEFT
  elseif moved or allowed and cost ~= 0 then
    record = pack('<ddd', start, kept_current, kept_previous)
    -- The TTL was set when this window began, and reaches to the end of the next.
    lifetime = start ~= state_start and start + 2 * window - now
  end
  return remaining, reset_after, retry_after, record, lifetime, not full and (cost > 0 or not moved) and start
end

-- The state with `delta` units more, or fewer, in the window that began at `mark`.
function sliding_window_correct(key, window, mark, delta)
  local start, current, previous = read_record(pcall_redis('GET', key), 24, '<ddd')
  if not start or start - now > window or now >= mark + 2 * window or now >= start + 2 * window then return end
  if start == mark then
    current = max(0, current + delta)
  elseif start == mark + window then
    previous = max(0, previous + delta)
  else
    return
  end
  if current == 0 and previous == 0 then
    call('DEL', key)
  else
    call('SETRANGE', key, '0', pack('<ddd', start, current, previous))
  end
end
