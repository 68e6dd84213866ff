# cmake --install runs this after it has set ${source}, ${binary} and the folders of GNUInstallDirs: it fills the templates of
# this folder with the paths of this installation, and puts them where systemd, the programs and the operator look for them.
set(prefix ${CMAKE_INSTALL_PREFIX})
if(prefix STREQUAL "/usr")
  set(etc /etc/nexus)
else()
  set(etc ${prefix}/etc/nexus)
endif()
set(libexec ${prefix}/${libexec_dir}/nexus)
set(bin ${prefix}/${bin_dir})
set(doc ${prefix}/${doc_dir})
set(web ${prefix}/${data_dir}/nexus/web)
set(units ${prefix}/lib/systemd/system)
set(filled ${binary}/packaging)

# Other uses of @ belong to systemd (@system-service), or follow the name of a template.
function(fill template file)
  configure_file(${source}/packaging/${template} ${filled}/${file} @ONLY)
endfunction()

function(unit program description after settings writes)
  if(program STREQUAL "metrics-agent") # one on each machine
    set(file nexus-${program}.service)
    set(instance 0)
    set(default_instance "")
  else()
    set(file nexus-${program}@.service)
    set(instance %i)
    set(default_instance DefaultInstance=0)
  endif()
  set(name ${program}-${instance})
  fill(program.service.in ${file})
  file(INSTALL ${filled}/${file} DESTINATION ${units})
endfunction()

unit(gateway "Nexus gateway %i: HTTP" "redis-server.service"
  "Environment=NEXUS_BUS_BIND=ipc:///run/nexus/bus.gateway-%i.sock"
  "its socket, and the file that says how it died")
unit(chat-worker "Nexus chat-worker %i: agents and bots" "postgresql.service" "" "the file that says how it died")
unit(sms-worker "Nexus sms-worker %i: texts, receipts, webhooks" "postgresql.service" "" "the file that says how it died")
unit(provisioning-worker "Nexus provisioning-worker %i: contact centers, keys, log-ins" "postgresql.service" ""
  "the file that says how it died")
unit(metrics-agent "Nexus metrics-agent: the metrics of this machine" ""
  "StateDirectory=nexus\nStateDirectoryMode=0700" "its socket, the totals of the counters, and the file that says how it died")
fill(nexus-parked@.service.in nexus-parked@.service)
fill(nexus.target.in nexus.target)
file(INSTALL ${filled}/nexus-parked@.service ${filled}/nexus.target DESTINATION ${units})

fill(nexus.conf.in nexus.conf)
file(INSTALL ${filled}/nexus.conf DESTINATION ${etc} PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ)

fill(make-secrets.in make-secrets)
file(INSTALL ${filled}/make-secrets ${source}/supervise/death DESTINATION ${libexec} USE_SOURCE_PERMISSIONS)
