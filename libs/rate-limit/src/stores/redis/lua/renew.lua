-- Lets open holds last for longer.
--
-- Arguments   which policy, for how long from now on, the TTL of the field and of the hash; and the ids
-- KEYS        of each command the quota's state and its holds
-- Returns     of each 1, or 0 if the hold is not open
function run_renew(_, arg, count, key, answered, is_late)
  local at = FRAME.policy.LENGTH * (ARGV[arg + FRAME.renew.policy] - 1) + 1
  local expires = now + ARGV[arg + FRAME.renew.ttl]
  local field_life, key_life = ARGV[arg + FRAME.renew.fieldLife], ARGV[arg + FRAME.renew.keyLife]
  arg = arg + FRAME.renew.LENGTH
  if not is_late then
    local n = 0
    for id in string.gmatch(ARGV[arg], '%S+') do
      n = n + 1
      local state, holds = KEYS[key + 2 * n - 1], KEYS[key + 2 * n]
      if algorithm_at(at) == 'concurrency' then
        reply[answered + n] = renew_slot(state, id, expires, field_life)
      else
        local before, mark, cost, kept_until = read_hold(pcall_redis('HGET', holds, id))
        local is_open = before and before > now
        if is_open then
          local keeps = kept_until - before
          -- What is kept longer than it lasts must outlive the field's usual TTL.
          local life = keeps > 0 and format('%.0f', tonumber(field_life) + keeps) or field_life
          write_hold(holds, id, pack('<dddd', expires, mark, cost, expires + keeps), life)
          call('PEXPIRE', holds, key_life)
        end
        reply[answered + n] = is_open and 1 or 0
      end
    end
  end
  return arg + 1, key + 2 * count, answered + FRAME.done.LENGTH * count
end
