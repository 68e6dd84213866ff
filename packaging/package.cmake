# ./build.sh package: CPack makes the Debian package from the files that cmake --install installs.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME nexus)
set(CPACK_PACKAGE_VERSION ${NEXUS_VERSION})
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "conversations with customers by SMS, for agents and bots")
set(CPACK_PACKAGE_DESCRIPTION "Nexus accepts texts from an SMS aggregator, stores them, shows them to agents
and bots, and sends their messages through the company's own gateway. Its HTTP
interfaces are compatible with those of Genesys Digital Channels. A 2xx means
that a message is committed to PostgreSQL, and a ledger shows that none is lost.
.
This package has the five programs with units for systemd, the command
nexusctl, the administrators' web pages, alerts and dashboards for Prometheus
and Grafana, and the documents. It starts nothing by itself:
/usr/share/doc/nexus/docs/packages.md has the steps.")
set(CPACK_PACKAGE_CONTACT "Nexus maintainers <nexus@example.com>")
if(DEFINED ENV{DEBEMAIL}) # as Debian's own tools do
  set(CPACK_PACKAGE_CONTACT "$ENV{DEBFULLNAME} <$ENV{DEBEMAIL}>")
endif()

set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "adduser, ca-certificates")
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "postgresql (>= 15), redis-server")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "nginx, prometheus")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${CMAKE_SOURCE_DIR}/packaging/debian/postinst
  ${CMAKE_SOURCE_DIR}/packaging/debian/prerm ${CMAKE_SOURCE_DIR}/packaging/debian/postrm
  ${CMAKE_SOURCE_DIR}/packaging/debian/conffiles)
set(CPACK_DEBIAN_DEBUGINFO_PACKAGE ON) # the symbols, in a separate package
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE
  WORLD_READ WORLD_EXECUTE)
set(CPACK_PRE_BUILD_SCRIPTS ${CMAKE_SOURCE_DIR}/packaging/debian/finish.cmake)
set(CPACK_NEXUS_SOURCE ${CMAKE_SOURCE_DIR}) # for finish.cmake
include(CPack)
