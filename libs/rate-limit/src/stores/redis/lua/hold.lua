-- Requests of one hit that is held, on a policy that neither blocks nor records: the quicker form of a `judgeWhole` run, by
-- the same law (claims.lua).
--
-- Arguments   which policy, the cost, what claims.lua reads, and the ids of the holds
-- KEYS        of each request the quota's state, then its holds
-- Returns     of each remaining, reset_after, retry_after, and 0 or GUESS
function run_hold(_, arg, count, key, answered, is_late)
  local at, cost_text = FRAME.policy.LENGTH * (ARGV[arg + FRAME.hit.policy] - 1) + 1, ARGV[arg + FRAME.hit.cost]
  local holder, cost = arg + FRAME.hit.LENGTH, tonumber(cost_text)
  local ids = holder + FRAME.holding.LENGTH
  if drawn > key and drawn <= key + 2 * count then inspected = KEYS[drawn - (drawn - key - 1) % 2] end
  if not is_late then
    local judge, limit, window, burst, life = policies[at], policies[at + FRAME.policy.limit],
      policies[at + FRAME.policy.window], policies[at + FRAME.policy.burst], policies[at + FRAME.policy.life]
    local field_life, key_life = ARGV[holder + FRAME.holding.fieldLife], ARGV[holder + FRAME.holding.keyLife]
    local expires, kept_until = now + ARGV[holder + FRAME.holding.ttl], now + ARGV[holder + FRAME.holding.keep]
    local is_slot = algorithm_at(at) == 'concurrency'
    local next_id, last_mark, packed = string.gmatch(ARGV[ids], '%S+')
    for n = 1, count do
      local state, holds, to = KEYS[key + 2 * n - 1], KEYS[key + 2 * n], answered + FRAME.whole.LENGTH * (n - 1) + 1
      local remaining, reset_after, retry_after, record, lifetime, mark =
        judge(state, limit, window, burst, cost, now, life, cost_text)
      local aside, id = 0, next_id()
      if retry_after > 0 then
        if is_slot then
          aside = GUESS
        else
          remaining, reset_after, retry_after, record, lifetime, mark, aside = beside_holds(state, holds, at, cost, cost_text,
            tonumber(ARGV[holder + FRAME.holding.debt]), remaining, reset_after, retry_after, record, lifetime)
        end
      end
      reply[to + FRAME.whole.remaining] = remaining
      reply[to + FRAME.whole.resetAfter] = reset_after
      reply[to + FRAME.whole.retryAfter] = retry_after
      reply[to + FRAME.whole.aside] = remaining == FRAME.LATE and FRAME.LATE or aside
      if record and record ~= CHARGED then write_record(state, record, lifetime, at, cost_text) end
      if retry_after == 0 then
        if is_slot then
          if cost > 0 then take_slot(state, id, expires, field_life) end
        else
          -- A window that was charged at once ends when its quota comes back.
          mark = cost > 0 and (mark or record == CHARGED and now + reset_after) or NO_MARK
          -- Mostly one window after the other is the same, and so is what is kept of it.
          if mark ~= last_mark then last_mark, packed = mark, pack('<dddd', expires, mark, cost, kept_until) end
          keep_hold(holds, id, packed, field_life, key_life)
        end
      end
    end
  end
  return ids + 1, key + 2 * count, answered + FRAME.whole.LENGTH * count
end
