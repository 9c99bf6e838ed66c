-- Removes keys: for a reset those of a quota and its block, for an unblock the block's.
--
-- Arguments   how many keys each command has
-- Returns     of each 1
function run_forget(_, arg, count, key, answered, is_late)
  local keys = tonumber(ARGV[arg + FRAME.forget.keys])
  if not is_late then
    for n = 1, count do
      call('DEL', unpack(KEYS, key + keys * (n - 1) + 1, key + keys * n))
      reply[answered + n] = 1
    end
  end
  return arg + FRAME.forget.LENGTH, key + keys * count, answered + FRAME.done.LENGTH * count
end
