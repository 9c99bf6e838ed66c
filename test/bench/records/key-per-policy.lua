local states = {}
for first = 1, #KEYS, policies do
  local all_allowed = true
  for n = 1, policies do
    -- Charged first, and judged by what was there before.
    local key = KEYS[first + n - 1]
    local sum = call('INCRBY', key, '1')
    local allowed, counter, is_new = judge(sum > 1 and sum - 1, n)
    all_allowed = all_allowed and allowed
    states[n] = is_new and counter
  end
  for n = 1, policies do
    local key = KEYS[first + n - 1]
    if not all_allowed then
      if states[n] then call('DEL', key) else call('INCRBY', key, '-1') end
    elseif states[n] then
      call('SET', key, string.format('%.0f', states[n]), 'PX', windows[n])
    end
  end
end
return struct.pack('<' .. string.rep('d', answered), unpack(reply))
