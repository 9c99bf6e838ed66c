-- Settles holds. Twin: settled() in core/holds/held-units.ts and settleOne() in core/judge-all.ts. The same law; change both.
--
-- Arguments   which policy, its debt, the rule of its blocks (blocks.lua) or ''; then of each command the id of the hold and
--             what was really used, in one text
-- KEYS        of each command the quota's state, its holds, and with a rule its block
-- Returns     of each 1, or 0 if the hold is not open. If the settlement began a block: how long it lasts, as a negative
--             number

-- Mostly the window that was charged is open and has room. Then, as with a hit, one INCRBY corrects it and returns its state.
local function is_corrected_at_once(key, at, mark, delta, debt)
  if algorithm_at(at) ~= 'fixed-window' then return false end
  local limit, window = policies[at + FRAME.policy.limit], policies[at + FRAME.policy.window]
  local sum = pcall_redis('INCRBY', key, format('%.0f', delta))
  if type(sum) ~= 'number' then return false end
  local began, used, units = read_counter(sum, now)
  local is_its_window = began and began + window == mark and mark > now and began - now <= window
  if is_its_window and used > 0 and used - delta >= 0 and used - delta < units and (delta < 0 or used <= limit + debt) then
    return true
  end
  if sum == delta then call('DEL', key) else call('INCRBY', key, format('%.0f', -delta)) end
  return false
end

-- Settles a hold, as if its hit had cost `cost`. Returns 1 if it was open, otherwise 0, and its mark. Or LATE: then nothing
-- was done.
local function settle_hold(key, holds, at, id, cost, debt)
  if algorithm_at(at) == 'concurrency' then return free_slot(key, id) end
  local expires, mark, held, kept_until = read_hold(pcall_redis('HGET', holds, id))
  if not expires then return 0 end
  local is_open = expires > now
  -- What an abandoned hold gives back, it gives back even if its request ends after all.
  if not is_open then cost = kept_until > now and 0 or held end
  local delta = cost - held
  if delta ~= 0 and not is_corrected_at_once(key, at, mark, delta, debt) then
    if correct(key, at, mark, delta, debt) == FRAME.LATE then return FRAME.LATE end
  end
  call('HDEL', holds, id)
  return is_open and 1 or 0, mark
end

-- Begins a block if a settled charge counts, and final charges alone leave nothing. Returns how long it lasts, or 0.
local function block_if_gone(key, holds, at, mark, cost, debt, block, block_key)
  if cost == 0 or read_block(block, block_key) > 0 then return 0 end
  local room, present = room_of(key, at, debt)
  if mark >= 0 and counting(at, present, mark, cost) == 0 then return 0 end
  local free = room - debt
  if free > 0 or room == FRAME.LATE then return 0 end
  scan_holds(holds, function(_, expires, its_mark, held)
    if expires and expires > now then free = free + counting(at, present, its_mark, held) end
    return free > 0
  end)
  return free <= 0 and begin_block(block) or 0
end

function run_settle(_, arg, count, key, answered, is_late)
  local at = FRAME.policy.LENGTH * (ARGV[arg + FRAME.settle.policy] - 1) + 1
  local debt, rule = tonumber(ARGV[arg + FRAME.settle.debt]), ARGV[arg + FRAME.settle.rule]
  local block = rule ~= '' and new_block(rule)
  local keys = block and 3 or 2
  arg = arg + FRAME.settle.LENGTH
  if not is_late then
    local n = 0
    for id, cost in string.gmatch(ARGV[arg], '(%S+) (%S+)') do
      n, cost = n + 1, tonumber(cost)
      local state, holds = KEYS[key + keys * (n - 1) + 1], KEYS[key + keys * (n - 1) + 2]
      local done, mark = settle_hold(state, holds, at, id, cost, debt)
      local begun = 0
      if block and done == 1 then begun = block_if_gone(state, holds, at, mark, cost, debt, block, KEYS[key + keys * n]) end
      reply[answered + n] = begun > 0 and -begun or done
    end
  end
  return arg + 1, key + keys * count, answered + FRAME.done.LENGTH * count
end
