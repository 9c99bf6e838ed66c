-- The driver: see the contract at the top.

local judges = {
  ['fixed-window'] = fixed_window,
  ['sliding-window'] = sliding_window,
  ['sliding-log'] = sliding_log,
  ['token-bucket'] = token_bucket,
  ['gcra'] = gcra,
}

local time = call('TIME')
local server = time[1] * 1000 + floor(time[2] / 1000)
local now = tonumber(ARGV[1]) or server
local not_after = tonumber(ARGV[2])
if not_after and server > not_after then return { server } end

local judge_of, limit_of, window_of, burst_of = {}, {}, {}, {}
local arg = 3
for policy = 1, tonumber(ARGV[arg]) do
  judge_of[policy] = judges[ARGV[arg + 1]]
  limit_of[policy], window_of[policy], burst_of[policy] =
    tonumber(ARGV[arg + 2]), tonumber(ARGV[arg + 3]), tonumber(ARGV[arg + 4])
  arg = arg + 4
end
arg = arg + 1

local reply = { server }
local hit, requests_end = 0, #ARGV
local policies, costs, passes, records, lifetimes = {}, {}, {}, {}, {}

local function judge(i, cost)
  local policy = policies[i]
  local allowed, remaining, reset_after, retry_after, record, lifetime =
    judge_of[policy](KEYS[i], limit_of[policy], window_of[policy], burst_of[policy], cost, now)
  passes[i], records[i], lifetimes[i] = allowed, record, lifetime
  local at = 4 * i - 2
  reply[at], reply[at + 1], reply[at + 2], reply[at + 3] = allowed and 1 or 0, remaining, reset_after, retry_after
  return allowed
end

local function settle(i)
  local key, record = KEYS[i], records[i]
  if not record then
    keep_mortal(key, lifetimes[i])
  elseif record == '' then
    call('DEL', key)
  elseif type(record) == 'number' then
    write_log(key, record, costs[i], now, lifetimes[i])
  else
    write_record(key, record, lifetimes[i])
  end
end

while arg <= requests_end do
  local first, last = hit + 1, hit + tonumber(ARGV[arg])
  local all_allowed = true
  for i = first, last do
    policies[i], costs[i] = tonumber(ARGV[arg + 1]), tonumber(ARGV[arg + 2])
    arg = arg + 2
    all_allowed = judge(i, costs[i]) and all_allowed
  end
  arg, hit = arg + 1, last

  for i = first, last do
    -- All or none: beside a denied hit, one that would have passed only looks.
    if not all_allowed and passes[i] then judge(i, 0) end
    settle(i)
  end
end

return reply
