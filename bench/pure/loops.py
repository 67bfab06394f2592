"""Nothing but loops over small numbers, which CPython keeps."""

count = 0
for i in range(1_500):
    for j in range(200):
        count = (count + (i ^ j)) & 255
print(count)
