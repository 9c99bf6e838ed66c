-- What all ways share: the clock, and how a fixed window is judged. start and used are one integer, as in the product.
-- ARGV: how many policies, then the limit and the window of each. KEYS: what the way needs, request by request.
local KEYS, ARGV = KEYS, ARGV
local call, tonumber = redis.call, tonumber
local EPOCH, UNITS = 1735689600000, 8192
local time = call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local policies, limits, windows, longest = tonumber(ARGV[1]), {}, {}, 0
for n = 1, policies do
  limits[n], windows[n] = tonumber(ARGV[2 * n]), tonumber(ARGV[2 * n + 1])
  longest = math.max(longest, windows[n])
end
local reply, answered = {}, 0

-- What a counter stands at after one more unit, and whether that is a new window.
local function judge(counter, n)
  local limit, window = limits[n], windows[n]
  local used = counter and counter % UNITS or 0
  local until_end = counter and (counter - used) / UNITS + EPOCH + window - now or 0
  local is_new = until_end <= 0
  if is_new then used, until_end, counter = 0, window, (now - EPOCH) * UNITS end
  local allowed = used < limit
  reply[answered + 1], reply[answered + 2], reply[answered + 3] =
    limit - used - 1, until_end, allowed and 0 or until_end
  answered = answered + 3
  return allowed, counter + 1, is_new
end
