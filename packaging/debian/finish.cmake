# CPack runs this on the folder that becomes the package. It adds what Debian requires and cmake --install does not make.
file(GLOB_RECURSE manuals ${CPACK_TEMPORARY_INSTALL_DIRECTORY}/*/nexusctl.1)
list(GET manuals 0 manual)
string(REGEX REPLACE "/share/man/man1/nexusctl.1$" "" usr ${manual})
set(doc ${usr}/share/doc/nexus)

function(compress file)
  execute_process(COMMAND gzip -9nf ${file} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

compress(${manual})
file(REMOVE ${doc}/LICENSE) # Debian has this text already
file(COPY ${CPACK_NEXUS_SOURCE}/packaging/debian/copyright DESTINATION ${doc})
string(TIMESTAMP day "%a, %d %b %Y %H:%M:%S +0000" UTC) # the time of SOURCE_DATE_EPOCH
file(WRITE ${doc}/changelog "nexus (${CPACK_PACKAGE_VERSION}) unstable; urgency=medium

  * CHANGELOG.md in this folder lists the changes.

 -- ${CPACK_PACKAGE_CONTACT}  ${day}
")
compress(${doc}/changelog)

# Every file gets the time of the commit, so that the package is the same when it is made again.
if(DEFINED ENV{SOURCE_DATE_EPOCH})
  execute_process(COMMAND find ${CPACK_TEMPORARY_INSTALL_DIRECTORY} -exec touch --no-dereference
    --date=@$ENV{SOURCE_DATE_EPOCH} {} + COMMAND_ERROR_IS_FATAL ANY)
endif()
