-- The beginning of the script. A request of one unit on a fixed window that is alone in its batch is the most common call
-- by far. So its form is short, and mostly it is judged here, before the rest of the script is made. Otherwise it is
-- put into the form that the driver knows, and `lone_sum` is what INCRBY returned: it is charged already.
--
-- ARGV      not_after, limit, window. For a calendar window its longest length in place of window, then its bounds
--           (calendar-window.lua). With an injected clock: bounds or '', then now, life, and the word lone
--
-- The two laws are those of the narrow layout in fixed-window.lua and of the counter in calendar-window.lua, whose functions
-- are not made yet. A change of one is a change of both.
local KEYS, ARGV, redis, tonumber = KEYS, ARGV, redis, tonumber
local time = redis.call('TIME')
local microseconds = tonumber(time[2])
local server = time[1] * 1000 + (microseconds - microseconds % 1000) / 1000
local lone_sum
-- Without an injected clock this form has at most four arguments. Of the other calls only the one that reads the clock
-- is as short, and its not_after is ''.
if not ARGV[1 + FRAME.lone.now] and ARGV[1 + FRAME.lone.notAfter] ~= '' or ARGV[1 + FRAME.lone.form] == 'lone' then
  local not_after, limit, window = ARGV[1 + FRAME.lone.notAfter], ARGV[1 + FRAME.lone.limit], ARGV[1 + FRAME.lone.window]
  local bounds = ARGV[1 + FRAME.lone.bounds]
  local now = tonumber(ARGV[1 + FRAME.lone.now] or server)
  if not_after ~= '' and server - not_after > 0 then return struct.pack('<d', server) end
  if bounds and bounds ~= '' then
    if limit + 0 >= 1 and limit + 0 < CALENDAR_WINDOW.UNITS then
      lone_sum = redis.pcall('INCRBY', KEYS[1], '1')
      if type(lone_sum) == 'number' and lone_sum >= CALENDAR_WINDOW.LEAST_COUNTER and lone_sum < 9007199254740992 then
        local used = lone_sum % CALENDAR_WINDOW.UNITS
        local remaining = limit - used
        local until_end = (lone_sum - used) / CALENDAR_WINDOW.UNITS * 1000 + CALENDAR_WINDOW.EPOCH - now
        if used >= 1 and remaining >= 0 and until_end > 0 and until_end <= window + 0 and microseconds % 16 ~= 0 then
          return struct.pack('<dddd', server, remaining, until_end, 0)
        end
      end
    end
    ARGV = { not_after, now, 'calendar-window', limit, window, bounds, ARGV[1 + FRAME.lone.life] or '0' }
  else
    -- Charged first unless the limit is 0 or exceeds what integers hold.
    if limit + 0 >= 1 and limit + 0 < FIXED_WINDOW.WIDE_UNITS then
      lone_sum = redis.pcall('INCRBY', KEYS[1], '1')
      if type(lone_sum) == 'number' and lone_sum >= FIXED_WINDOW.LEAST_COUNTER and lone_sum < 9007199254740992 then
        local used = lone_sum % FIXED_WINDOW.UNITS
        local remaining = limit - used
        local until_end = (lone_sum - used) / FIXED_WINDOW.UNITS + FIXED_WINDOW.EPOCH + window - now
        -- One request in sixteen goes on to the driver, which also looks at the key's TTL.
        if used >= 1 and remaining >= 0 and until_end > 0 and until_end <= 2 * window and microseconds % 16 ~= 0 then
          return struct.pack('<dddd', server, remaining, until_end, 0)
        end
      end
    end
    ARGV = { not_after, now, 'fixed-window', limit, window, limit, ARGV[1 + FRAME.lone.life] or window }
  end
end
