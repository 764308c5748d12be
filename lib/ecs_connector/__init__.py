"""Drive Amazon ECS from an integration flow.

>>> from ecs_connector import Component
>>> for emission in Component.load().run("ListClusters", body={}, config=config):
...     print(emission.body)
"""

from ecs_connector import errors
from ecs_connector.component import Component
from ecs_connector.values import Emission, Message

__all__ = ["Component", "Emission", "Message", "errors"]
