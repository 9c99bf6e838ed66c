-- Twin: core/holds/held-units.ts. The same law; change both.
--
-- How units that are held, and units that are recorded over the limit, change a quota's state.

-- Whether charges belong to a window, so that a mark finds them again. Buckets have no windows: a correction takes effect now.
local function has_marks(at)
  local algorithm = algorithm_at(at)
  return algorithm ~= 'token-bucket' and algorithm ~= 'gcra'
end

-- A policy's limit and burst with more room: units over the burst if it has one, otherwise over the limit.
function with_room(at, units)
  local limit, burst = policies[at + FRAME.policy.limit], policies[at + FRAME.policy.burst]
  if has_marks(at) then return limit + units, burst end
  return limit, burst + units
end

-- Units that may still be recorded, and the mark of the present window.
function room_of(key, at, debt)
  local limit, burst = with_room(at, debt)
  local room, _, _, _, _, present =
    policies[at](key, limit, policies[at + FRAME.policy.window], burst, 0, now, policies[at + FRAME.policy.life], '0')
  return room, present
end

-- Counts a hit, whatever the limit: as many units as the debt allows. Returns numbers under the greater limit, what is left
-- to be written, and how many units were counted, as text.
function record_hit(key, at, cost, debt)
  local units = min(cost, max(0, (room_of(key, at, debt))))
  local limit, burst = with_room(at, debt)
  local text = format('%.0f', units)
  local remaining, reset_after, _, record, lifetime, mark = policies[at](key, limit, policies[at + FRAME.policy.window],
    burst, units, now, policies[at + FRAME.policy.life], text)
  return remaining, reset_after, record, lifetime, mark, text
end

-- How many units of a hold still count, where `present` is the mark of the present window.
function counting(at, present, mark, cost)
  local algorithm, window = algorithm_at(at), policies[at + FRAME.policy.window]
  if not has_marks(at) then return cost end
  if not present then return 0 end
  if algorithm == 'sliding-log' then return mark > max(now, present) - window and cost or 0 end
  if mark == present then return cost end
  if algorithm ~= 'sliding-window' or mark + window ~= present then return 0 end
  return floor(cost * max(0, min(window, present + window - now)) / window)
end

-- Corrects a quota by `delta` units, more or fewer, in the window that was charged. Does nothing if that window is over.
-- Returns LATE if the application must ask again with the bounds of another calendar window.
function correct(key, at, mark, delta, debt)
  local algorithm, window, belongs = algorithm_at(at), policies[at + FRAME.policy.window], has_marks(at)
  local has_mark, present = belongs and mark >= 0
  if delta > 0 then
    local room
    room, present = room_of(key, at, debt)
    if room == FRAME.LATE then return room end
    delta = min(delta, max(0, room))
    if delta == 0 or has_mark and not present then return end
  end
  if has_mark and algorithm == 'sliding-window' then return sliding_window_correct(key, window, mark, delta) end
  if has_mark and algorithm == 'sliding-log' then return sliding_log_correct(key, window, mark, delta, at) end
  if delta > 0 and has_mark and present ~= mark then return end
  local limit, burst = with_room(at, debt)
  local text = format('%.0f', delta)
  local remaining, _, _, record, lifetime, charged =
    policies[at](key, limit, window, burst, delta, now, policies[at + FRAME.policy.life], text)
  if remaining == FRAME.LATE then return remaining end
  if delta < 0 and belongs and charged ~= mark then return end
  if record and record ~= CHARGED then write_record(key, record, lifetime, at, text) end
end
