-- What happens to admitted calls afterwards: places given back, running calls ended, more places taken.
-- Sent twice, it acts once: each refund and each charge leaves a mark with a name of its own.
--
-- KEYS   for each settlement: the meter, and its mark
-- ARGV   1: the time in microseconds, or 0 to ask Redis
--        for each settlement: refund | release | charge, algorithm, window, quota, places, burst, receipt, lease
-- reply  the number of settlements

local now = microseconds(ARGV[1])
local mark_lasts = '600000'

for i = 1, #KEYS / 2 do
  local key, mark, at = KEYS[2 * i - 1], KEYS[2 * i], 2 + 8 * (i - 1)
  local act, meter = ARGV[at], meters[ARGV[at + 1]]
  local window, quota, places, burst, receipt =
    tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3]), tonumber(ARGV[at + 4]), tonumber(ARGV[at + 5]), tonumber(ARGV[at + 6])
  local lease = ARGV[at + 7]
  if act == 'release' then
    meter.give_back(key, now, window, places, quota, receipt, lease)
  elseif redis.call('SET', mark, act, 'NX', 'PX', mark_lasts) then
    if act == 'refund' then meter.give_back(key, now, window, places, quota, receipt, lease)
    else meter.take(key, now, window, places, quota, lease .. '+', burst) end
  end
end
return #KEYS / 2
