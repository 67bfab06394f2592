"""Build binary search trees of tuples and of nodes, walk them, and drop them again."""

import random


class Node:
    __slots__ = ("key", "left", "right")

    def __init__(self, key):
        self.key = key
        self.left = None
        self.right = None


def insert(root, key):
    node = root
    while True:
        if key < node.key:
            if node.left is None:
                node.left = Node(key)
                return
            node = node.left
        else:
            if node.right is None:
                node.right = Node(key)
                return
            node = node.right


def bottom_up(depth):
    return (bottom_up(depth - 1), bottom_up(depth - 1)) if depth else (None, None)


def check(tree):
    left, right = tree
    return 1 if left is None else 1 + check(left) + check(right)


random.seed(2)
total = 0
for _ in range(8):
    total += check(bottom_up(12))
root = Node(0.5)
for _ in range(12_000):
    insert(root, random.random())
walked = []
stack = [root]
while stack:
    node = stack.pop()
    walked.append((node.key, len(walked)))
    stack.extend(child for child in (node.left, node.right) if child is not None)
print(total, len(walked), round(sum(key for key, _ in walked), 6))
