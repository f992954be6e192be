# Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
# Defines the target ferry::rabbitmq, if librabbitmq is there with its headers.
find_path(FERRY_RABBITMQ_INCLUDE_DIR NAMES rabbitmq-c/ssl_socket.h amqp_ssl_socket.h)
find_library(FERRY_RABBITMQ_LIBRARY rabbitmq)
mark_as_advanced(FERRY_RABBITMQ_INCLUDE_DIR FERRY_RABBITMQ_LIBRARY)
if(FERRY_RABBITMQ_INCLUDE_DIR AND FERRY_RABBITMQ_LIBRARY AND NOT TARGET ferry::rabbitmq)
  add_library(ferry::rabbitmq UNKNOWN IMPORTED)
  set_target_properties(ferry::rabbitmq PROPERTIES
    IMPORTED_LOCATION "${FERRY_RABBITMQ_LIBRARY}"
    INTERFACE_INCLUDE_DIRECTORIES "${FERRY_RABBITMQ_INCLUDE_DIR}")
endif()
