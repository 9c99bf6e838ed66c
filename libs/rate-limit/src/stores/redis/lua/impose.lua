-- Blocks keys because code asks for it, in place of a block that stands. Such a block is not a step.
--
-- Arguments   which policy, for how long, the block's rule (blocks.lua)
-- KEYS        of each command the quota's state, then its block
-- Returns     of each 1, or 0 where nothing may be written. LATE where the quota must move to a calendar window that the
--             application did not expect: then nothing was done
function run_impose(_, arg, count, key, answered, is_late)
  if not is_late then
    local at = FRAME.policy.LENGTH * (ARGV[arg + FRAME.impose.policy] - 1) + 1
    local span, block = tonumber(ARGV[arg + FRAME.impose.span]), new_block(ARGV[arg + FRAME.impose.rule])
    for n = 1, count do
      -- The quota is looked at, as it will be while the block stands: one from far ahead is moved to now.
      local done = look(KEYS[key + 2 * n - 1], at, 0, '0')
      if done ~= FRAME.LATE then
        read_block(block, KEYS[key + 2 * n])
        done = write_block(block, now, span, block.step) and 1 or 0
      end
      reply[answered + n] = done
    end
  end
  return arg + FRAME.impose.LENGTH, key + 2 * count, answered + FRAME.done.LENGTH * count
end
