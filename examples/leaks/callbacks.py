"""A callback that nobody takes off the list: what its closure refers to stays with it."""

listeners = []


class Basket:
    def __init__(self):
        self.items = [{"title": f"book {n}", "price": n} for n in range(20)]


def open_basket():
    basket = Basket()

    def on_price(title, price):
        for item in basket.items:
            if item["title"] == title:
                item["price"] = price

    listeners.append(on_price)
    return on_price


def announce(title, price):
    for listener in listeners:
        listener(title, price)


def work():
    open_basket()
    announce("book 3", 12)


def mended():
    listener = open_basket()
    announce("book 3", 12)
    listeners.remove(listener)


if __name__ == "__main__":
    for _ in range(1000):
        work()
    print(len(listeners), "listeners")
