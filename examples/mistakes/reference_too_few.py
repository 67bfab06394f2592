"""A reference is given back that someone else has: the list's item is freed, and the program crashes when it is used."""

import ctypes


class Book:
    def __init__(self, title):
        self.title = title


def sell(book):
    ctypes.pythonapi.Py_DecRef(ctypes.py_object(book))


books = [Book(f"Volume {n}") for n in range(10)]
sell(books[7])
print(sorted(book.title for book in books))
