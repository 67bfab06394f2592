"""Instances: with a dictionary, with inline values, with more attributes than fit inline, with a parent's attributes."""


class Point:
    def __init__(self, x, y):
        self.x = x
        self.y = y


class Labelled(Point):
    unit = "mm"

    def __init__(self, x, y, label):
        super().__init__(x, y)
        self.label = label


class Wide:
    def __init__(self, number):
        for place in range(40):
            setattr(self, f"column_{place}", number + place)


points = [Point(n, -n * 1.5) for n in range(500)]
labelled = [Labelled(n, n + 1, f"point {n}") for n in range(300)]
wide = [Wide(n) for n in range(20)]
for point in points[::5]:
    point.extra = labelled[0]  # an attribute that came later
for point in points[1::5]:
    del point.y
dictionaries = [vars(point) for point in points[::7]]  # the values leave the instance, or share its dictionary
odd = [Point(1, 2) for _ in range(50)]
for number, point in enumerate(odd):
    vars(point)[number] = "a key that is no text"
replaced = Point(0, 0)
replaced.__dict__ = {"x": 1, "other": points[3]}
