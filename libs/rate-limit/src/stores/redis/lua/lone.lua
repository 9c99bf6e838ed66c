-- A request of one unit on a fixed window that is alone in its batch: the most common call by far. Its form is short, and
-- mostly it is judged here, before anything else is made. Otherwise the driver judges it, from what INCRBY returned.
--
-- ARGV      not_after, limit, window. With a clock injected by tests also now, life, and the word lone
local KEYS, ARGV, redis, tonumber = KEYS, ARGV, redis, tonumber
local time = redis.call('TIME')
local microseconds = tonumber(time[2])
local server = time[1] * 1000 + (microseconds - microseconds % 1000) / 1000
local lone_sum
if not ARGV[1 + FRAME.lone.now] or ARGV[1 + FRAME.lone.form] == 'lone' then
  local not_after, limit, window = ARGV[1 + FRAME.lone.notAfter], ARGV[1 + FRAME.lone.limit], ARGV[1 + FRAME.lone.window]
  local now = tonumber(ARGV[1 + FRAME.lone.now] or server)
  if not_after ~= '' and server - not_after > 0 then return struct.pack('<d', server) end
  -- The numbers are those of fixed-window.lua, which does the same.
  if limit + 0 >= 1 and limit + 0 < 1048576 then
    lone_sum = redis.pcall('INCRBY', KEYS[1], '1')
    if type(lone_sum) == 'number' and lone_sum >= 281474976710656 and lone_sum < 9007199254740992 then
      local used = lone_sum % 8192
      local remaining, until_end = limit - used, (lone_sum - used) / 8192 + 1735689600000 + window - now
      if used >= 1 and remaining >= 0 and until_end > 0 and until_end <= 2 * window and microseconds % 16 ~= 0 then
        return struct.pack('<dddd', server, remaining, until_end, 0)
      end
    end
  end
  ARGV = { not_after, now, 'fixed-window', limit, window, limit, ARGV[1 + FRAME.lone.life] or window }
end
