"""Instances with attributes and with slots: particles that move, collide and are booked."""


class Vector:
    __slots__ = ("x", "y", "z")

    def __init__(self, x, y, z):
        self.x = x
        self.y = y
        self.z = z

    def __add__(self, other):
        return Vector(self.x + other.x, self.y + other.y, self.z + other.z)

    def __mul__(self, factor):
        return Vector(self.x * factor, self.y * factor, self.z * factor)


class Particle:
    def __init__(self, number):
        self.number = number
        self.position = Vector(number * 0.5, number * 0.25, 1.0)
        self.velocity = Vector(1.0, -0.5, 0.125)
        self.events = []

    def move(self, dt):
        self.position = self.position + self.velocity * dt
        if self.number % 3 == 0:
            self.events.append(Event(self, dt))


class Event:
    def __init__(self, particle, time):
        self.particle = particle
        self.time = time
        self.label = f"particle {particle.number} at {time}"


particles = [Particle(number) for number in range(12_000)]
for step in range(6):
    for particle in particles:
        particle.move(step * 0.01)
events = [event for particle in particles for event in particle.events]
events.sort(key=lambda event: (event.time, event.label))
print(len(events), events[0].label, round(sum(p.position.x for p in particles), 3))
