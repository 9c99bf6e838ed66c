-- Settles holds.
--
-- Arguments   which policy, its debt, the rule of its blocks (blocks.lua) or ''; then of each command the id of the hold and
--             what was really used, in one text
-- KEYS        of each command the quota's state, its holds, and with a rule its block
-- Returns     of each 1, or 0 if the hold is not open
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
      if block and done == 1 then block_if_gone(state, holds, at, mark, cost, debt, block, KEYS[key + keys * n]) end
      reply[answered + n] = done
    end
  end
  return arg + 1, key + keys * count, answered + FRAME.done.LENGTH * count
end
