-- Takes away all answers of a group, and remembers when, so that one on its way does not come back.
-- KEYS: the group's members, its last purge    ARGV: milliseconds to remember
-- Replies how many answers are gone.
local time = redis.call('TIME')
redis.call('SET', KEYS[2], string.format('%.3f', time[1] * 1000 + time[2] / 1000), 'PX', ARGV[1])
local gone = 0
for _, member in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  gone = gone + redis.call('DEL', member)
end
redis.call('DEL', KEYS[1])
return gone
